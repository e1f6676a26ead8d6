import type { Connection } from '../api/connection.ts';
import { clockTime } from '../parts/time.ts';
import { count } from '../parts/words.ts';

export type ConnectionTone = 'good' | 'working' | 'bad';

/** Slower than this is worth a word. */
const noticeableMs = 4_000;

/** The state of the connection, in words that are true. */
export function connectionWords(
  connection: Connection,
  lagMs: number | null,
): { label: string; tone: ConnectionTone } {
  switch (connection.state) {
    case 'connecting':
      return { label: 'Connecting', tone: 'working' };
    case 'live':
      return lagMs !== null && lagMs > noticeableMs
        ? { label: `Live, ${Math.round(lagMs / 1_000)} s behind`, tone: 'working' }
        : { label: 'Live', tone: 'good' };
    case 'offline':
      return { label: `Offline since ${clockTime(connection.since)}`, tone: 'bad' };
    case 'resuming':
      return { label: 'Resuming', tone: 'working' };
    case 'catchingUp':
      return {
        label: `Catching up, ${connection.more ? 'more than ' : ''}${count(connection.behind, 'event')} behind`,
        tone: 'working',
      };
    case 'ended':
      return { label: 'Signed out', tone: 'bad' };
  }
}
