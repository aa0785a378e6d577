// A message's text, made of elements: never of markup.
import { tokensOf } from '../text/tokens';

export function Text({ text, nick }: { text: string; nick: string }) {
  return (
    <>
      {tokensOf(text, nick).map((token) => {
        switch (token.kind) {
          case 'code': return <code>{token.text}</code>;
          case 'strong': return <strong>{token.text}</strong>;
          case 'emphasis': return <em>{token.text}</em>;
          case 'mention': return <span class="mention">{token.text}</span>;
          case 'link': return <a href={token.url} target="_blank" rel="noopener noreferrer nofollow">{token.text}</a>;
          default: return token.text;
        }
      })}
    </>
  );
}
