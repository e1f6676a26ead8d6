import { z } from 'zod';
import { AlreadyExists } from '../../core/errors.ts';
import { moneyInput } from '../../core/money.ts';
import { clearable, text } from '../../core/parse.ts';

const minutes = (least: number, most: number) =>
  z.int().min(least, `Must be at least ${least}.`).max(most, `Must be at most ${most}.`);

/** The fields that creating and updating a service share. A stay may last a year, a buffer a week. */
export const serviceFields = {
  name: text(200),
  description: clearable(text(5_000)),
  durationMinutes: minutes(1, 366 * 24 * 60),
  bufferBeforeMinutes: minutes(0, 7 * 24 * 60),
  bufferAfterMinutes: minutes(0, 7 * 24 * 60),
  price: moneyInput,
  capacity: z.int().min(1, 'Must be at least 1.').max(10_000, 'Must be at most 10000.'),
};

export const serviceConstraints = {
  service_workspace_id_name_key: () => new AlreadyExists('name', 'Another service has this name.'),
};
