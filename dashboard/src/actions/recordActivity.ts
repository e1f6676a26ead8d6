import type { Gateway } from '../api/gateway.ts';
import { graphql } from '../api/graphql.ts';
import type { ReportedActivity } from '../generated/graphql.ts';
import { toast } from './toast.ts';

const record = graphql(`
  mutation RecordActivity($input: RecordActivityInput!) {
    recordActivity(input: $input) {
      __typename
      ... on RecordActivityPayload { customer { id } }
      ... on Error { code message }
      ... on InvalidInputError { issues { path message } }
    }
  }
`);

export const reported: Record<ReportedActivity, { label: string; about: string }> = {
  REFERRAL_MADE: { label: 'Recommended us', about: 'To whom, or how' },
  FORM_SUBMITTED: { label: 'Filled in a form', about: 'Which form' },
  DOCUMENT_DOWNLOADED: { label: 'Took a document', about: 'Which document' },
  PAGE_VISITED: { label: 'Looked at a page', about: 'Which page' },
  EMAIL_OPENED: { label: 'Opened an e-mail', about: 'Which e-mail' },
  EMAIL_CLICKED: { label: 'Followed a link in an e-mail', about: 'Which e-mail' },
  EMAIL_UNSUBSCRIBED: { label: 'Wants no more e-mail', about: 'Which list' },
};

/** With the same key, sent again because no answer came, it is noted once. */
export async function recordActivity(
  gateway: Gateway,
  input: { customerId: string; type: ReportedActivity; about: string; idempotencyKey: string },
): Promise<void> {
  await gateway.change(record, input);
  void toast({ message: `Noted: ${reported[input.type].label.toLowerCase()}` });
}

/** Also where the page is not served over HTTPS, which `randomUUID` wants. */
export const newIdempotencyKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
