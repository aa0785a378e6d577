// What several components share: redrawing with the chat, places for focus, the escape key.
import { useEffect, useLayoutEffect, useReducer, useRef } from 'preact/hooks';
import type { Chat } from '../model/chat';

export function useChat(chat: Chat): void {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => chat.subscribe(() => redraw(undefined)), [chat]);
}

/** Redraws each second, while there is something to count. */
export function useSeconds(active: boolean): void {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(() => redraw(undefined), 1000);
    return () => clearInterval(timer);
  }, [active]);
}

/** Makes a dialog of its element: modal, closed by Escape, giving the focus back. */
export function useDialog(close: () => void) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const element = dialog.current!;
    const before = document.activeElement as HTMLElement | null;
    element.showModal();
    const cancelled = (event: Event) => {
      event.preventDefault();
      close();
    };
    const clicked = (event: MouseEvent) => {
      if (event.target === element) close();
    };
    element.addEventListener('cancel', cancelled);
    element.addEventListener('click', clicked);
    return () => {
      element.close();
      before?.focus();
    };
  }, []);
  return dialog;
}
