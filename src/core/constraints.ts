import { databaseError } from './database.ts';
import type { Failure } from './errors.ts';

/**
 * The database refuses what must never be, by name; this says it in our words.
 * @param failures constraint or unique index -> the failure that its violation means.
 */
export async function onConstraint<Result>(
  work: Promise<Result>,
  failures: Record<string, () => Failure>,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    const failure = failures[databaseError(error)?.constraint ?? ''];
    throw failure ? failure() : error;
  }
}
