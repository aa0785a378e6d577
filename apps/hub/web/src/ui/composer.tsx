// Where one writes.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import type { Chat } from '../model/chat';
import type { Conversation } from '../model/conversation';
import { keep, kept } from '../model/kept';
import type { Said } from '../model/timeline';
import { completionsOf, type Completion } from '../text/completion';
import { Icon } from './icons';

interface Props {
  chat: Chat;
  conversation: Conversation;
  replyTo: Said | null;
  onReplied(): void;
}

function typingText(conversation: Conversation): string {
  const names = [...conversation.typing.values()].map((typing) => typing.nick);
  if (names.length === 0) return '';
  if (names.length > 2) return t('typingMany');
  return t(names.length === 1 ? 'typingOne' : 'typingTwo', { names: names.join(', ') });
}

export function Composer({ chat, conversation, replyTo, onReplied }: Props) {
  const draftKey = 'draft.' + conversation.key;
  const [text, setText] = useState(() => kept(draftKey, ''));
  const area = useRef<HTMLTextAreaElement>(null);
  const completing = useRef<{ all: Completion[]; at: number } | null>(null);

  useEffect(() => {
    if (matchMedia('(hover: hover)').matches) area.current!.focus();
  }, []);
  useEffect(() => {
    if (replyTo) area.current!.focus();
  }, [replyTo]);
  useLayoutEffect(() => {
    const element = area.current!;
    element.rows = 1;
    const line = parseFloat(getComputedStyle(element).lineHeight);
    element.rows = Math.min(8, Math.max(1, Math.round(element.scrollHeight / line)));
  }, [text]);

  const write = (value: string) => {
    setText(value);
    keep(draftKey, value);
  };
  const send = () => {
    if (text.trim() === '') return;
    chat.say(text, replyTo?.id ?? '');
    write('');
    onReplied();
    area.current!.focus();
  };
  const complete = (backwards: boolean): boolean => {
    const element = area.current!;
    if (!completing.current) {
      const spoke = conversation.timeline.speakers();
      const present = [...conversation.members.values()].map((member) => member.nick);
      const names = [...new Set([...spoke, ...present])].filter((nick) => !chat.isMe(nick));
      completing.current = { all: completionsOf(text, element.selectionStart, names), at: -1 };
    }
    const { all } = completing.current;
    if (all.length === 0) {
      completing.current = null;
      return false;
    }
    completing.current.at = (completing.current.at + (backwards ? all.length - 1 : 1)) % all.length;
    const chosen = all[completing.current.at]!;
    write(chosen.text);
    requestAnimationFrame(() => element.setSelectionRange(chosen.caret, chosen.caret));
    return true;
  };
  const pressed = (event: KeyboardEvent) => {
    // While an input method composes, Enter is its own.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === 'Tab' && text !== '' && !event.ctrlKey && !event.altKey) {
      if (complete(event.shiftKey)) event.preventDefault();
      return;
    } else if (event.key === 'Escape' && replyTo) {
      onReplied();
    } else if (event.key === 'ArrowUp' && text === '') {
      event.preventDefault();
      const messages = document.querySelectorAll<HTMLElement>('.log [data-id]');
      messages[messages.length - 1]?.focus();
    }
    if (event.key !== 'Shift') completing.current = null;
  };

  const label = t('messageTo', { room: conversation.name });
  return (
    <div class="foot">
      <div class="typing" aria-live="polite">{typingText(conversation)}</div>
      {replyTo && (
        <div class="replying">
          <span>{t('replyTo', { nick: replyTo.nick })}: {replyTo.text}</span>
          <button class="icon small" aria-label={t('cancel')} onClick={onReplied}><Icon name="close" /></button>
        </div>
      )}
      <div class="box">
        <textarea
          ref={area} rows={1} value={text} placeholder={label} aria-label={label} enterkeyhint="send"
          onInput={(event) => {
            write(event.currentTarget.value);
            chat.typing(event.currentTarget.value !== '' && !event.currentTarget.value.startsWith('/'));
          }}
          onKeyDown={pressed}
        />
        <button class="send" aria-label={t('send')} title={t('send')} disabled={text.trim() === ''} onClick={send}><Icon name="send" /></button>
      </div>
    </div>
  );
}
