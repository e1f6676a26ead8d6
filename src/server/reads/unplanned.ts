/**
 * Thrown wherever something cannot be, or should not be, answered by the planned path. Its reason is counted; the
 * caller never sees it, since the executor then does the same work.
 */
export class Unplanned extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(`This is not planned: ${reason}.`);
    this.reason = reason;
  }
}
