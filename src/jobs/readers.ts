import { keepScores } from '../resolvers/leadScores/keepScores.ts';
import { keepSegments } from '../resolvers/segments/keepSegments.ts';
import { keepTagRules } from '../resolvers/tagRules/keepTagRules.ts';
import { deliveryReader } from './deliveryReader.ts';
import type { EventReader } from './eventReaders.ts';

/** Everyone who follows the log with a position of their own. */
export const eventReaders: readonly EventReader[] = [
  { name: 'leadScores', ...keepScores },
  { name: 'segments', ...keepSegments },
  { name: 'tagRules', ...keepTagRules },
  deliveryReader,
];
