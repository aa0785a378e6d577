// The connection, while there is none: a countdown that is seen, and a way to shorten it.
import { t } from '../i18n';
import type { Chat } from '../model/chat';
import { useSeconds } from './hooks';

export function Banner({ chat }: { chat: Chat }) {
  const { state } = chat.link;
  useSeconds(state.kind === 'waiting');
  if (chat.registered) return null;
  if (state.kind !== 'waiting') {
    return <div class="banner calm" role="status"><span>{t('connecting')}</span></div>;
  }
  const count = Math.max(0, Math.ceil((state.until - Date.now()) / 1000));
  const [before, after] = t('lost', { seconds: '\0' }).split('\0');
  return (
    <div class="banner">
      <span aria-hidden="true">{before}<b>{t('seconds', { count })}</b>{after}</span>
      <span class="hidden" role="status">{t('tryingNow')}</span>
      <button onClick={() => chat.link.tryNow()}>{t('tryNow')}</button>
    </div>
  );
}
