// Who is in the room.
import { t } from '../i18n';
import type { Chat } from '../model/chat';
import type { Conversation, Member } from '../model/conversation';
import { Icon } from './icons';

function Person({ chat, room, member, canRemove }: { chat: Chat; room: Conversation; member: Member; canRemove: boolean }) {
  const isMe = chat.isMe(member.nick);
  const note = isMe ? t('you') : member.bot ? t('bot') : member.op ? t('op') : '';
  return (
    <li class="p">
      <button disabled={isMe} onClick={() => chat.open(member.nick)} title={isMe ? undefined : t('talkTo', { nick: member.nick })}>
        <span class={'dot ' + (member.away ? 'away' : 'here')} aria-hidden="true" />
        <span class="name">{member.nick}</span>
        {note !== '' && <small>{note}</small>}
      </button>
      {canRemove && !isMe && (
        <button class="icon small" aria-label={t('removeMember', { nick: member.nick })} title={t('removeMember', { nick: member.nick })} onClick={() => chat.send('KICK', [room.name, member.nick])}>
          <Icon name="close" />
        </button>
      )}
    </li>
  );
}

export function Members({ chat, room, onClose }: { chat: Chat; room: Conversation; onClose(): void }) {
  const all = [...room.members.values()].sort((a, b) => a.nick.localeCompare(b.nick));
  const canRemove = all.some((member) => member.op && chat.isMe(member.nick));
  const group = (title: string, members: Member[]) =>
    members.length > 0 && (
      <>
        <h2>{title} · {members.length}</h2>
        <ul>{members.map((member) => <Person key={member.nick} {...{ chat, room, member, canRemove }} />)}</ul>
      </>
    );
  return (
    <aside aria-label={t('members')}>
      <button class="icon close" aria-label={t('close')} onClick={onClose}><Icon name="close" /></button>
      {group(t('here'), all.filter((member) => !member.away))}
      {group(t('away'), all.filter((member) => member.away))}
    </aside>
  );
}
