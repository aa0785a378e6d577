// Ctrl+K: to any room or person by a few letters; a name that there is not is made.
import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n';
import { isNick, roomName, sameName } from '../irc/names';
import type { Chat } from '../model/chat';
import { rank } from '../text/completion';
import { useDialog } from './hooks';

interface Choice {
  name: string;
  note: string;
  cost: number;
}

function choicesOf(chat: Chat, query: string): Choice[] {
  const found = new Map<string, Choice>();
  const offer = (name: string, note: string, more: number) => {
    const cost = rank(query, name);
    if (cost !== null && !found.has(name.toLowerCase())) found.set(name.toLowerCase(), { name, note, cost: cost + more });
  };
  for (const conversation of chat.conversations.values()) {
    offer(conversation.name, conversation.unread > 0 ? t('unread', { count: conversation.unread }) : '', conversation.unread > 0 ? 0 : 0.5);
  }
  for (const room of chat.rooms) offer(room.name, t('people', { count: room.people }), 1);
  if (query !== '') {
    for (const conversation of chat.conversations.values()) {
      for (const member of conversation.members.values()) if (!chat.isMe(member.nick)) offer(member.nick, '', 2);
    }
  }
  const choices = [...found.values()].sort((a, b) => a.cost - b.cost).slice(0, 12);
  const room = roomName(query);
  const isThere = choices.some((choice) => sameName(choice.name, room) || sameName(choice.name, query));
  if (room !== '' && query.trim() !== '' && !isThere) choices.push({ name: room, note: t('newRoom'), cost: 0 });
  return choices;
}

export function Switcher({ chat, onClose }: { chat: Chat; onClose(): void }) {
  const dialog = useDialog(onClose);
  const [query, setQuery] = useState('');
  const [at, setAt] = useState(0);
  useEffect(() => chat.listRooms(), []);
  const choices = choicesOf(chat, query);
  const choose = (choice: Choice | undefined) => {
    if (!choice) return;
    if (choice.name.startsWith('#')) chat.joinRoom(choice.name);
    else if (isNick(choice.name)) chat.open(choice.name);
    onClose();
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === 'ArrowDown') setAt(Math.min(at + 1, choices.length - 1));
    else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0));
    else if (event.key === 'Enter') choose(choices[at]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog ref={dialog} class="switcher" aria-label={t('jump')}>
      <input
        role="combobox" aria-expanded="true" aria-controls="choices" aria-activedescendant={choices[at] && 'choice' + at}
        placeholder={t('jump')} aria-label={t('jump')} value={query} autoFocus autocapitalize="none" spellcheck={false}
        onInput={(event) => { setQuery(event.currentTarget.value); setAt(0); }} onKeyDown={pressed}
      />
      <ul id="choices" role="listbox" aria-label={t('rooms')}>
        {choices.map((choice, index) => (
          <li key={choice.name} id={'choice' + index} role="option" aria-selected={index === at} onMouseMove={() => setAt(index)} onClick={() => choose(choice)}>
            <b>{choice.name}</b><small>{choice.note}</small>
          </li>
        ))}
      </ul>
    </dialog>
  );
}
