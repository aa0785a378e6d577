// Registration: what is said from the connection's beginning until the hub has let one in.
import { keep, takeSecret } from '../model/kept';
import type { Message } from './message';

const WANTED = [
  'account-notify', 'account-tag', 'away-notify', 'batch', 'draft/account-registration', 'draft/chathistory',
  'draft/event-playback', 'draft/message-redaction', 'draft/read-marker', 'echo-message', 'ieum/resume',
  'labeled-response', 'message-tags', 'multi-prefix', 'sasl', 'server-time', 'setname', 'standard-replies',
];

export interface RegistrationEvents {
  refused(why: string): void;
  loggedIn(account: string): void;
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

export class Registration {
  /** To log in with; empty: as a guest, or as who one was. */
  password = '';
  private nick = '';
  private offered: string[] = [];
  private tries = 0;
  private resumed = false;
  private secret = '';

  constructor(
    private readonly send: (command: string, params: string[]) => void,
    private readonly events: RegistrationEvents,
  ) {}

  begin(nick: string): void {
    this.nick = nick;
    this.offered = [];
    this.tries = 0;
    this.resumed = false;
    this.send('CAP', ['LS', '302']);
    this.send('NICK', [nick]);
    this.send('USER', ['web', '0', '*', nick]);
  }

  /** Another name, after one was refused. */
  again(nick: string): void {
    this.nick = nick;
    this.send('NICK', [nick]);
  }

  /** False: it is none of its business. */
  handle(message: Message): boolean {
    const { command, params } = message;
    switch (command) {
      case 'CAP': this.negotiate(params); return true;
      case 'RESUME':
        if (params[0] !== 'SUCCESS') return false;
        this.resumed = true;
        this.secret = '';
        if (params[1] && params[1] !== '*') this.again(params[1]);
        this.end();
        return true;
      case 'FAIL':
        if (params[0] !== 'RESUME') return false;
        this.secret = '';
        this.end();
        return true;
      case 'AUTHENTICATE':
        this.send('AUTHENTICATE', [base64(`\0${this.nick}\0${this.password}`)]);
        return true;
      case '900': this.events.loggedIn(params[2] ?? ''); return true;
      case '903': this.password = ''; this.end(); return true;
      case '902': case '904': case '905': case '906': case '908':
        this.password = '';
        this.events.refused('password');
        return true;
      case '433': case '432': case '436': this.taken(command); return true;
      default: return false;
    }
  }

  private negotiate(params: string[]): void {
    const kind = params[1];
    if (kind === 'LS') {
      this.offered.push(...(params.at(-1) ?? '').split(' ').map((cap) => cap.split('=')[0]!));
      if (params[2] === '*') return;
      const wanted = WANTED.filter((cap) => this.offered.includes(cap));
      this.send('CAP', ['REQ', wanted.join(' ')]);
    } else if (kind === 'ACK') {
      this.identify();
    } else if (kind === 'NAK') {
      this.end();
    }
  }

  private identify(): void {
    this.secret = this.offered.includes('ieum/resume') && this.password === '' ? takeSecret() : '';
    if (this.password !== '') {
      if (this.offered.includes('sasl')) this.send('AUTHENTICATE', ['PLAIN']);
      else this.events.refused('insecure');
    } else if (this.secret !== '') {
      this.send('RESUME', [this.secret]);
    } else {
      this.end();
    }
  }

  private end(): void {
    this.send('CAP', ['END']);
  }

  /** Who comes back under a name that somebody else has meanwhile gets one beside it. */
  private taken(command: string): void {
    if (command === '433' && this.resumed && this.tries++ < 3) this.again(this.nick + '_');
    else {
      keep('nick', null);
      this.events.refused(command === '432' ? 'bad' : 'taken');
    }
  }
}
