// Link: a WebSocket to the hub that is opened again when it is lost, after a while that grows.
import { keepAlive, retryDelay } from './pace';

export type LinkState =
  | { kind: 'idle' }
  | { kind: 'connecting' }
  | { kind: 'open' }
  | { kind: 'waiting'; until: number };

export interface LinkEvents {
  opened(): void;
  line(line: string): void;
  /** Also of an attempt that failed. */
  lost(): void;
  changed(): void;
}

export class Link {
  state: LinkState = { kind: 'idle' };
  private socket: WebSocket | null = null;
  private attempts = 0;
  private timer = 0;
  private lastHeard = 0;
  private askedAt = 0;

  constructor(
    private readonly url: string,
    private readonly events: LinkEvents,
  ) {
    addEventListener('online', () => this.tryNow());
    addEventListener('offline', () => this.fail());
    setInterval(() => this.beat(), 5000);
  }

  open(): void {
    this.attempts = 0;
    this.connect();
  }

  close(): void {
    clearTimeout(this.timer);
    this.drop();
    this.set({ kind: 'idle' });
  }

  tryNow(): void {
    if (this.state.kind === 'waiting') this.connect();
  }

  /** It works: the next loss is the first one again. */
  settled(): void {
    this.attempts = 0;
  }

  send(line: string): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(line);
    return true;
  }

  private set(state: LinkState): void {
    this.state = state;
    this.events.changed();
  }

  private connect(): void {
    clearTimeout(this.timer);
    this.drop();
    const socket = new WebSocket(this.url, ['text.ircv3.net']);
    this.socket = socket;
    this.set({ kind: 'connecting' });
    this.timer = window.setTimeout(() => this.fail(), 10_000);
    socket.onopen = () => {
      clearTimeout(this.timer);
      this.lastHeard = Date.now();
      this.askedAt = 0;
      this.set({ kind: 'open' });
      this.events.opened();
    };
    socket.onmessage = (event) => {
      this.lastHeard = Date.now();
      this.askedAt = 0;
      if (typeof event.data === 'string') this.events.line(event.data);
    };
    socket.onclose = () => this.fail();
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private fail(): void {
    if (this.state.kind !== 'open' && this.state.kind !== 'connecting') return;
    clearTimeout(this.timer);
    this.drop();
    const delay = retryDelay(this.attempts++, Math.random());
    this.state = { kind: 'waiting', until: Date.now() + delay };
    this.timer = window.setTimeout(() => this.connect(), delay);
    this.events.lost();
    this.events.changed();
  }

  /** A network that is gone without a word is noticed: nothing came for long, not even an answer. */
  private beat(): void {
    if (this.state.kind !== 'open') return;
    const what = keepAlive(Date.now(), this.lastHeard, this.askedAt);
    if (what === 'ask') {
      this.askedAt = Date.now();
      this.send('PING :alive');
    } else if (what === 'give up') {
      this.fail();
    }
  }
}
