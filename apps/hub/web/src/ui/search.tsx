// Search in what is loaded of a conversation.
import { useState } from 'preact/hooks';
import { dayText, t, timeText } from '../i18n';
import type { Chat } from '../model/chat';
import type { Conversation } from '../model/conversation';
import { useDialog } from './hooks';
import { Text } from './text';

const SHOWN = 50;

export function Search({ chat, conversation, onClose }: { chat: Chat; conversation: Conversation; onClose(): void }) {
  const dialog = useDialog(onClose);
  const [query, setQuery] = useState('');
  const found = conversation.timeline.search(query.trim()).slice(0, SHOWN);
  const show = (id: string) => {
    onClose();
    const element = [...document.querySelectorAll<HTMLElement>('.log [data-id]')].find((message) => message.dataset.id === id);
    element?.scrollIntoView({ block: 'center' });
    element?.focus();
  };
  return (
    <dialog ref={dialog} class="switcher" aria-label={t('search')}>
      <input type="search" placeholder={t('searchIn')} aria-label={t('searchIn')} value={query} autoFocus onInput={(event) => setQuery(event.currentTarget.value)} />
      <ul role="status" class="found">
        {query.trim() !== '' && found.length === 0 && <li>{t('noMatch')}</li>}
        {found.map((said) => (
          <li key={said.id}>
            <button onClick={() => show(said.id)}>
              <b>{said.nick}</b><small>{dayText(said.time)} {timeText(said.time)}</small>
              <p><Text text={said.text} nick={chat.nick} /></p>
            </button>
          </li>
        ))}
      </ul>
    </dialog>
  );
}
