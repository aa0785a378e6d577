// Settings: who one is, and how the page looks and speaks.
import { useState } from 'preact/hooks';
import { language, setLanguage, t, type Language } from '../i18n';
import { isNick } from '../irc/names';
import type { Chat } from '../model/chat';
import { keep, kept } from '../model/kept';
import { useDialog } from './hooks';
import { Icon } from './icons';
import { chosenTheme, setTheme, type Theme } from './theme';

export function Settings({ chat, onClose }: { chat: Chat; onClose(): void }) {
  const dialog = useDialog(onClose);
  const [nick, setNick] = useState(chat.nick);
  const [password, setPassword] = useState('');
  const [notify, setNotify] = useState(kept('notify', false));
  const rename = (event: Event) => {
    event.preventDefault();
    if (isNick(nick)) chat.rename(nick);
    else chat.toast(t('badNick'));
  };
  const register = (event: Event) => {
    event.preventDefault();
    chat.register(password);
    setPassword('');
  };
  const switchNotify = async () => {
    const wanted = !notify;
    if (wanted && (!('Notification' in window) || (await Notification.requestPermission()) !== 'granted')) {
      chat.toast(t('notifyDenied'));
      return;
    }
    keep('notify', wanted);
    setNotify(wanted);
  };
  return (
    <dialog ref={dialog} class="settings" aria-labelledby="settings">
      <h1 id="settings">{t('settings')}</h1>
      <button class="icon close" aria-label={t('close')} onClick={onClose}><Icon name="close" /></button>
      <form onSubmit={rename}>
        <label>{t('nickname')}<input value={nick} maxLength={32} onInput={(event) => setNick(event.currentTarget.value)} /></label>
        {nick !== chat.nick && <button class="primary" type="submit">{t('nickname')}</button>}
      </form>
      {chat.account === '' && (
        <form onSubmit={register}>
          <p>{t('registerWhy')}</p>
          <label>{t('password')}<input type="password" minLength={6} required autocomplete="new-password" value={password} onInput={(event) => setPassword(event.currentTarget.value)} /></label>
          <button class="primary" type="submit">{t('register')}</button>
        </form>
      )}
      <label>
        {t('theme')}
        <select value={chosenTheme()} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
          <option value="system">{t('system')}</option>
          <option value="light">{t('light')}</option>
          <option value="dark">{t('dark')}</option>
        </select>
      </label>
      <label>
        {t('language')}
        <select value={language()} onChange={(event) => { setLanguage(event.currentTarget.value as Language); chat.changed(); }}>
          <option value="en" lang="en">English</option>
          <option value="ko" lang="ko">한국어</option>
        </select>
      </label>
      <label class="check"><input type="checkbox" checked={notify} onChange={switchNotify} />{t('notify')}</label>
      <button class="link" onClick={() => confirm(t('confirmLeave')) && chat.leaveHub()}>{t('leave')}</button>
    </dialog>
  );
}
