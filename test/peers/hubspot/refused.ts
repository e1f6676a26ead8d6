import { randomUUID } from 'node:crypto';
import type { PeerAnswer } from '../httpPeer.ts';

/** Ends a call with an error in HubSpot's form. */
export class Refused extends Error {
  override name = 'Refused';
  answer: PeerAnswer;
  constructor(status: number, category: string, message: string, more = {}) {
    super(message);
    const body = { status: 'error', message, correlationId: randomUUID(), category, ...more };
    this.answer = { status, body };
  }
}
