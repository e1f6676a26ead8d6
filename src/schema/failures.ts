import {
  AlreadyExists,
  ClassFull,
  type Failure,
  type FailureCode,
  IdempotencyKeyReused,
  InvalidInput,
  InvalidState,
  type Issue,
  NotFound,
  SlotTaken,
} from '../core/errors.ts';
import { builder } from './builder.ts';

/** The failures that a caller can act on, as members of the mutations' result unions. */

const codes: Record<FailureCode, string> = {
  INVALID_INPUT: 'Fields of the input are missing, malformed or contradict each other.',
  NOT_FOUND: 'An id in the input names nothing that you can see.',
  ALREADY_EXISTS: 'Another object holds a value that must be unique.',
  INVALID_STATE: 'The object is in a state in which this cannot be done.',
  SLOT_TAKEN: 'The staff member or resource is taken at that time.',
  CLASS_FULL: 'Every place of the class session is taken.',
  IDEMPOTENCY_KEY_REUSED: 'The idempotency key was used before with another input.',
};

const ErrorCode = builder.enumType('ErrorCode', {
  description: 'What kind of failure it is.',
  values: Object.fromEntries(
    Object.entries(codes).map(([value, description]) => [value, { value, description }]),
  ) as Record<FailureCode, { value: FailureCode; description: string }>,
});

const ErrorInterface = builder.interfaceRef<Failure>('Error').implement({
  description: 'A failure that the caller can act on.',
  fields: (t) => ({
    code: t.field({ type: ErrorCode, description: 'For programs.', resolve: (failure) => failure.code }),
    message: t.exposeString('message', { description: 'For people, in English.' }),
  }),
});

const IssueObject = builder.objectRef<Issue>('InputIssue').implement({
  description: 'One thing that is wrong with an input.',
  fields: (t) => ({
    path: t.exposeString('path', {
      description: 'Where: field names and list indexes joined by dots; empty for the input as a whole.',
    }),
    message: t.exposeString('message', { description: 'What is wrong, and what would be right.' }),
  }),
});

builder.objectType(InvalidInput, {
  name: 'InvalidInputError',
  description: 'Fields of the input are missing, malformed or contradict each other. Nothing was changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [IssueObject],
      description: 'Everything that is wrong.',
      resolve: (failure) => failure.issues,
    }),
  }),
});

builder.objectType(NotFound, {
  name: 'NotFoundError',
  description: 'An id in the input names nothing that you can see. Nothing was changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({ id: t.exposeID('id', { description: 'The id that was asked for.' }) }),
});

builder.objectType(AlreadyExists, {
  name: 'AlreadyExistsError',
  description: 'Another object holds a value that must be unique. Nothing was changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    field: t.exposeString('field', { description: 'The input field whose value is taken.' }),
  }),
});

builder.objectType(InvalidState, {
  name: 'InvalidStateError',
  description: 'The object is in a state in which this cannot be done. Nothing was changed.',
  interfaces: [ErrorInterface],
});

builder.objectType(SlotTaken, {
  name: 'SlotTakenError',
  description: 'The staff member or resource is taken at that time, buffers included. Nothing was booked.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    field: t.exposeString('field', { description: 'What is taken: staffMemberId or resourceId.' }),
  }),
});

builder.objectType(ClassFull, {
  name: 'ClassFullError',
  description: 'Every place of the class session is taken. Nothing was booked.',
  interfaces: [ErrorInterface],
});

builder.objectType(IdempotencyKeyReused, {
  name: 'IdempotencyKeyReusedError',
  description:
    'The idempotency key was used within the last 24 hours with a different input. Nothing was changed.',
  interfaces: [ErrorInterface],
});
