/** What went wrong at an outside system, as far as it matters for what is done next. */
export type FailureKind =
  /** The credentials are refused. */
  | 'UNAUTHORIZED'
  /** Too many calls: wait. */
  | 'RATE_LIMITED'
  /** The system understood and says no: the same again would be refused again. */
  | 'REJECTED'
  | 'NOT_FOUND'
  /** It did not answer, or with an error of its own: it may be up again soon. */
  | 'UNAVAILABLE'
  /** It answered something that is not in its documents. */
  | 'UNEXPECTED';

/** A call to an outside system failed. The message is for people and holds nothing of what was sent. */
export class OutsideFailure extends Error {
  override name = 'OutsideFailure';
  readonly kind: FailureKind;
  readonly status: number | null;
  /** How long the system asks us to wait. */
  readonly retryAfterMs: number | null;
  /** What it answered, for adapters that know more about it. */
  readonly answer: string;

  constructor(
    kind: FailureKind,
    message: string,
    more: { status?: number; retryAfterMs?: number | null; answer?: string } = {},
  ) {
    super(message);
    this.kind = kind;
    this.status = more.status ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.answer = more.answer ?? '';
  }
}
