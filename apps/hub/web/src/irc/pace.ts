// When to try again, and when to give up. Times in milliseconds.

/** Doubles up to half a minute; `random`, of 0 to 1, spreads those who lost it together. */
export function retryDelay(attempts: number, random: number): number {
  const base = Math.min(30_000, 2000 * 2 ** attempts);
  return Math.round(base * (0.75 + random / 2));
}

export function keepAlive(now: number, lastHeard: number, askedAt: number): 'ask' | 'give up' | 'wait' {
  if (askedAt > 0) return now - askedAt > 10_000 ? 'give up' : 'wait';
  return now - lastHeard > 25_000 ? 'ask' : 'wait';
}
