// Outbox: what was written and is not known to be kept by the hub. It survives a reload; each has an
// id by which the hub stores it once, however often it is sent.
import { keyOf } from '../irc/names';

export interface Unsent {
  once: string;
  target: string;
  text: string;
  /** `/me`. */
  action: boolean;
  replyTo: string;
  time: number;
  failed: boolean;
  reason: string;
}

export interface Store {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const PREFIX = 'ieum.outbox.';
/** The hub knows an id for 24 hours; later a second sending could double the message. */
export const SAFE_TO_REPEAT = 23 * 3600_000;

export class Outbox {
  private readonly all = new Map<string, Unsent>();
  version = 0;

  constructor(
    private readonly store: Store,
    private readonly now: () => number,
  ) {
    for (let i = 0; i < store.length; ++i) {
      const key = store.key(i);
      if (!key?.startsWith(PREFIX)) continue;
      try {
        const unsent = JSON.parse(store.getItem(key) ?? '') as Unsent;
        if (typeof unsent.once === 'string' && typeof unsent.text === 'string') this.all.set(unsent.once, unsent);
      } catch {
        // Not ours, or cut off: nothing can be made of it.
      }
    }
  }

  add(unsent: Unsent): void {
    this.all.set(unsent.once, unsent);
    this.keep(unsent);
  }

  /** It is kept by the hub. False: it was not of this outbox. */
  settle(once: string): boolean {
    if (!this.all.delete(once)) return false;
    this.store.removeItem(PREFIX + once);
    this.version++;
    return true;
  }

  discard(once: string): void {
    this.settle(once);
  }

  fail(once: string, reason: string): void {
    const unsent = this.all.get(once);
    if (!unsent) return;
    unsent.failed = true;
    unsent.reason = reason;
    this.keep(unsent);
  }

  retry(once: string): Unsent | null {
    const unsent = this.all.get(once);
    if (!unsent) return null;
    unsent.failed = false;
    unsent.reason = '';
    this.keep(unsent);
    return unsent;
  }

  get(once: string): Unsent | undefined {
    return this.all.get(once);
  }

  of(target: string): Unsent[] {
    return this.inOrder().filter((unsent) => keyOf(unsent.target) === keyOf(target));
  }

  /** What may be sent again by itself. What is too old for that fails, so that a person decides. */
  toSend(tooOld: string): Unsent[] {
    for (const unsent of this.all.values()) {
      if (!unsent.failed && this.now() - unsent.time > SAFE_TO_REPEAT) this.fail(unsent.once, tooOld);
    }
    return this.inOrder().filter((unsent) => !unsent.failed);
  }

  targets(): string[] {
    return [...new Set(this.inOrder().map((unsent) => unsent.target))];
  }

  private inOrder(): Unsent[] {
    return [...this.all.values()].sort((a, b) => a.time - b.time);
  }

  private keep(unsent: Unsent): void {
    try {
      this.store.setItem(PREFIX + unsent.once, JSON.stringify(unsent));
    } catch {
      // No room: it lives as long as the page.
    }
    this.version++;
  }
}
