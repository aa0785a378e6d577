// Rooms and people to talk with, what is new there, and who one is.
import { t } from '../i18n';
import type { Chat } from '../model/chat';
import type { Conversation } from '../model/conversation';
import { Avatar } from './avatar';
import { Logo } from './icons';

function Item({ chat, conversation, onOpen }: { chat: Chat; conversation: Conversation; onOpen(): void }) {
  const isCurrent = chat.current === conversation.key;
  const { unread, mentioned } = conversation;
  const presence = { here: t('presenceHere'), away: t('presenceAway'), off: t('presenceOff') }[conversation.presence];
  return (
    <li>
      <button
        class={'room' + (unread > 0 ? ' unread' : '')}
        aria-current={isCurrent ? 'page' : undefined}
        onClick={() => {
          chat.open(conversation.name);
          onOpen();
        }}
      >
        {conversation.isRoom ? <i aria-hidden="true">#</i> : <span class={'dot ' + conversation.presence} role="img" aria-label={presence} />}
        <b>{conversation.isRoom ? conversation.name.slice(1) : conversation.name}</b>
        {unread > 0 && (
          <span class={'n' + (mentioned > 0 ? ' me' : '')}>
            <span aria-hidden="true">{mentioned > 0 ? mentioned : unread > 99 ? '99+' : unread}</span>
            <span class="hidden">{t('unread', { count: unread })}</span>
          </span>
        )}
      </button>
    </li>
  );
}

interface Props {
  chat: Chat;
  onOpen(): void;
  onJump(): void;
  onSettings(): void;
}

export function Sidebar({ chat, onOpen, onJump, onSettings }: Props) {
  const direct = chat.list(false);
  return (
    <nav aria-label={t('rooms')}>
      <div class="brand">
        <Logo />
        <span>{chat.network}<small>{location.hostname}</small></span>
      </div>
      <button class="find" onClick={onJump} aria-keyshortcuts="Control+K">
        <span>{t('jump')}</span>
        <kbd aria-hidden="true">Ctrl K</kbd>
      </button>
      <div class="lists">
        <h2>
          {t('rooms')}
          <button class="plus" aria-label={t('newRoom')} title={t('newRoom')} onClick={onJump}>+</button>
        </h2>
        <ul>{chat.list(true).map((room) => <Item key={room.key} chat={chat} conversation={room} onOpen={onOpen} />)}</ul>
        {direct.length > 0 && (
          <>
            <h2>{t('direct')}</h2>
            <ul>{direct.map((other) => <Item key={other.key} chat={chat} conversation={other} onOpen={onOpen} />)}</ul>
          </>
        )}
      </div>
      <button class="you" onClick={onSettings} title={t('settings')}>
        <Avatar nick={chat.nick} />
        <span>
          {chat.nick}
          <small>{chat.account !== '' ? t('signedIn') : t('guest')} · {t('settings')}</small>
        </span>
      </button>
    </nav>
  );
}
