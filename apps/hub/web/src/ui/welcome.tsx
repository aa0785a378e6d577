// The first thing that one sees: a name, and in.
import { useState } from 'preact/hooks';
import { t } from '../i18n';
import { isNick } from '../irc/names';
import type { Chat } from '../model/chat';
import { Logo } from './icons';

function problemOf(refusal: string): string {
  if (refusal === 'taken') return t('taken');
  if (refusal === 'password') return t('badPassword');
  if (refusal === 'insecure') return t('insecure');
  return refusal === '' ? '' : t('badNick');
}

export function Welcome({ chat }: { chat: Chat }) {
  const [nick, setNick] = useState(chat.nick);
  const [password, setPassword] = useState('');
  const [wantsPassword, setWantsPassword] = useState(chat.refusal === 'password');
  const [bad, setBad] = useState(false);
  const problem = bad ? t('badNick') : problemOf(chat.refusal);
  const submit = (event: Event) => {
    event.preventDefault();
    const name = nick.trim();
    setBad(!isNick(name));
    if (isNick(name)) chat.enter(name, password);
  };
  return (
    <main class="welcome">
      <form onSubmit={submit}>
        <Logo />
        <h1>{t('welcome')}</h1>
        <p>{t('welcomeWhy')}</p>
        <label>
          {t('nickname')}
          <input
            value={nick} autoFocus autocomplete="username" autocapitalize="none" spellcheck={false} maxLength={32} required
            aria-invalid={problem !== ''} aria-describedby="problem"
            onInput={(event) => setNick(event.currentTarget.value)}
          />
        </label>
        {wantsPassword && (
          <label>
            {t('passwordOptional')}
            <input type="password" value={password} autocomplete="current-password" onInput={(event) => setPassword(event.currentTarget.value)} />
          </label>
        )}
        <p id="problem" role="alert" class="problem">{problem}</p>
        <button class="primary" type="submit">{t('enter')}</button>
        {!wantsPassword && (
          <button class="link" type="button" onClick={() => setWantsPassword(true)}>{t('logIn')}</button>
        )}
      </form>
    </main>
  );
}
