import { colourOf, initials } from '../irc/names';

export function Avatar({ nick }: { nick: string }) {
  return (
    <span class={`av a${colourOf(nick, 8)}`} aria-hidden="true">
      {initials(nick)}
    </span>
  );
}
