/** What is true of the live connection at present. */
export type Connection =
  | { state: 'connecting' }
  | { state: 'live' }
  /** Cut off; `since` is when the gateway was last heard of. */
  | { state: 'offline'; since: number }
  /** The socket is there again, and the streams go on behind their last events. */
  | { state: 'resuming'; since: number }
  /** So many of the events that were missed are still to come. */
  | { state: 'catchingUp'; since: number; behind: number; more: boolean }
  /** It will not come back by itself. */
  | { state: 'ended'; words: string };

export const isCutOff = ({ state }: Connection) => state === 'offline' || state === 'ended';

/** Why the gateway closed the socket, for people; undefined for what needs no words. */
export function wordsOf(code: number): string | undefined {
  return closeWords[code];
}

const closeWords: Record<number, string> = {
  1001: 'The gateway is restarting.',
  1013: 'The gateway cannot reach its database at present.',
  4401: 'Your key has expired. Sign in with another one to go on.',
  4403: 'This key was revoked, or its rights were withdrawn. Sign in with another key.',
  4413: 'This page took too long to keep up and was cut off. It goes on where it stopped.',
  4429: 'This key has too many connections open.',
};

/** Codes after which connecting again with the same key cannot help. */
export const finalCodes: ReadonlySet<number> = new Set([4401, 4403]);
