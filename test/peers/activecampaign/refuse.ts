import type { PeerAnswer } from '../httpPeer.ts';

/** Ends a call with an answer that is not what the caller hoped for. */
export class Refused extends Error {
  override name = 'Refused';
  answer: PeerAnswer;
  constructor(answer: PeerAnswer) {
    super(`${answer.status} ${JSON.stringify(answer.body)}`);
    this.answer = answer;
  }
}

/** 400 `{}`: something was wrong, and that is all it says. */
export const badRequest = () => new Refused({ status: 400, body: {} });

/** For a bad key, and for what the key's user may not do. */
export const forbidden = (message = 'Forbidden') => new Refused({ status: 403, body: { message } });

/** Its classes still bear old names: Subscriber, SubscriberTag, SubscriberSeries, _List. */
export const noResult = (kind: string, id: string, status = 404) =>
  new Refused({ status, body: { message: `No Result found for ${kind} with id ${id}` } });

/** 422 in the form of JSON:API. */
export const invalid = (
  code: 'duplicate' | 'field_missing' | 'field_invalid',
  title: string,
  field: string,
) =>
  new Refused({
    status: 422,
    body: { errors: [{ title, detail: '', code, source: { pointer: `/data/attributes/${field}` } }] },
  });
