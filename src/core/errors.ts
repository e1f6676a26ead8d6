/**
 * What can go wrong, as a handful of classes with a code. Each surface maps them once: in GraphQL the
 * failures that a caller can act on are members of a mutation's result union; the rest are top-level errors.
 */

/** Top-level codes: not an answer of the verb, but a refusal to try. */
export type RefusalCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'RATE_LIMITED'
  | 'BAD_USER_INPUT'
  | 'LIMIT_EXCEEDED'
  | 'CURSOR_EXPIRED'
  | 'UNAVAILABLE'
  | 'INTEGRATION_UNAVAILABLE';

/** The caller may not, must wait, or asked for something that makes no sense. Never a typed result. */
export class Refused extends Error {
  override name = 'Refused';
  readonly code: RefusalCode;
  readonly details: Record<string, unknown>;

  constructor(code: RefusalCode, message: string, details: Record<string, unknown> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** Codes of failures that a caller can act on. */
export type FailureCode =
  | 'INVALID_INPUT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'INVALID_STATE'
  | 'SLOT_TAKEN'
  | 'CLASS_FULL'
  | 'IDEMPOTENCY_KEY_REUSED';

export interface Issue {
  /** Where in the input: field names and list indexes joined by dots. */
  path: string;
  message: string;
}

/** A failure that a caller can act on; one subclass a kind. */
export abstract class Failure extends Error {
  abstract readonly code: FailureCode;
  /** What must be kept to build the same failure again for a repeated call. */
  details(): Record<string, unknown> {
    return {};
  }
}

/** One or more fields are missing, malformed or contradict each other. */
export class InvalidInput extends Failure {
  readonly code = 'INVALID_INPUT';
  readonly issues: Issue[];
  constructor(issues: Issue[]) {
    super(issues.map((issue) => (issue.path ? `${issue.path}: ${issue.message}` : issue.message)).join('; '));
    this.issues = issues;
  }
  override details() {
    return { issues: this.issues };
  }
}

/** An id in the input names nothing that the caller can see. */
export class NotFound extends Failure {
  readonly code = 'NOT_FOUND';
  /** The public id that was asked for. */
  readonly id: string;
  constructor(id: string) {
    super(`Nothing that you can see has the id ${id}.`);
    this.id = id;
  }
  override details() {
    return { id: this.id };
  }
}

/** Another object holds a value that must be unique. */
export class AlreadyExists extends Failure {
  readonly code = 'ALREADY_EXISTS';
  /** The input field whose value is taken. */
  readonly field: string;
  constructor(field: string, message = `Another one has this ${field} already.`) {
    super(message);
    this.field = field;
  }
  override details() {
    return { field: this.field, message: this.message };
  }
}

/** The object is in a state in which this cannot be done. */
export class InvalidState extends Failure {
  readonly code = 'INVALID_STATE';
  override details() {
    return { message: this.message };
  }
}

/** The staff member or resource is taken at that time. */
export class SlotTaken extends Failure {
  readonly code = 'SLOT_TAKEN';
  /** What is taken: `staffMemberId` or `resourceId`. */
  readonly field: string;
  constructor(field: string) {
    super(`The ${field === 'resourceId' ? 'resource' : 'staff member'} is taken at that time.`);
    this.field = field;
  }
  override details() {
    return { field: this.field };
  }
}

/** Every place of the class session is taken. */
export class ClassFull extends Failure {
  readonly code = 'CLASS_FULL';
  constructor() {
    super('Every place of this session is taken.');
  }
}

/** The idempotency key was used before with another input. */
export class IdempotencyKeyReused extends Failure {
  readonly code = 'IDEMPOTENCY_KEY_REUSED';
  constructor() {
    super('This idempotency key was used within the last 24 hours with a different input.');
  }
}

/** Builds the failure again that an earlier call stored. */
export function failureFrom(stored: { code: FailureCode; details: Record<string, unknown> }): Failure {
  const text = (key: string) => String(stored.details[key] ?? '');
  switch (stored.code) {
    case 'INVALID_INPUT':
      return new InvalidInput(stored.details.issues as Issue[]);
    case 'NOT_FOUND':
      return new NotFound(text('id'));
    case 'ALREADY_EXISTS':
      return new AlreadyExists(text('field'), text('message'));
    case 'INVALID_STATE':
      return new InvalidState(text('message'));
    case 'SLOT_TAKEN':
      return new SlotTaken(text('field'));
    case 'CLASS_FULL':
      return new ClassFull();
    case 'IDEMPOTENCY_KEY_REUSED':
      return new IdempotencyKeyReused();
  }
}
