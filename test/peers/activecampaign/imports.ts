import { randomUUID } from 'node:crypto';
import { type Account, type ImportBatch, tagKey } from './account.ts';
import { contactByEmail, saveContact } from './contact.ts';
import { setListStatus } from './lists.ts';
import { Refused } from './refuse.ts';
import { asText, json, type Routes } from './routes.ts';
import { addTag, tagContact } from './tags.ts';
import { wireDate } from './wireDate.ts';

const atOnce = 250;
const perMinute = 100;

/** An import is queued here, and carried out later by `importNext`. */
export const imports: Routes = {
  'POST /import/bulk_import': (account, request) => {
    const contacts = json(request).contacts;
    if (!Array.isArray(contacts) || contacts.length === 0)
      throw notQueued('JSON payload did not pass validation.', ["'contacts' is a required field."]);
    if (contacts.length > atOnce)
      throw notQueued('JSON payload did not pass validation.', [
        `Up to ${atOnce} contacts may be imported at once.`,
      ]);
    const recent = account.imports.all().filter(({ queuedAt }) => queuedAt > Date.now() - 60_000);
    if (recent.length >= perMinute)
      throw notQueued('Rate limit exceeded.', [`Up to ${perMinute} imports may be requested per minute.`]);
    const wrong = contacts.flatMap((contact: Record<string, unknown>, index) =>
      asText(contact?.email) ? [] : [{ contact: index, failureReason: "Field 'email' incorrect format" }],
    );
    if (wrong.length > 0)
      throw notQueued(
        'JSON payload did not pass validation. The import was not queued for processing.',
        wrong,
      );
    const { batchId } = account.imports.add({
      batchId: randomUUID(),
      contacts,
      status: 'waiting',
      success: [],
      failure: [],
      queuedAt: Date.now(),
    });
    // Capital S, and a number.
    const answer = {
      Success: 1,
      queued_contacts: contacts.length,
      batchId,
      message: 'Contact import queued',
    };
    return { status: 200, body: answer };
  },
  'GET /import/bulk_import': (account) => {
    const days = (status: ImportBatch['status']) => {
      const batches = Map.groupBy(
        account.imports.all().filter((batch) => batch.status === status),
        ({ queuedAt }) => wireDate(queuedAt).slice(0, 10),
      );
      return [...batches].map(([forDate, some]) => ({
        forDate,
        batches: String(some.length),
        contacts: String(
          some.reduce(
            (sum, { contacts, success, failure }) =>
              sum + (contacts.length || success.length + failure.length),
            0,
          ),
        ),
      }));
    };
    return { status: 200, body: { outstanding: days('waiting'), recentlyCompleted: days('completed') } };
  },
  'GET /import/info': (account, { query }) => {
    const batchId = query.get('batchId');
    const batch = batchId ? account.imports.by('batchId', batchId)[0] : undefined;
    const message = batchId ? `No import with batchId ${batchId}.` : "'batchId' is a required field.";
    if (!batch) throw new Refused({ status: 400, body: { success: 0, message } });
    const { status, success, failure } = batch;
    return { status: 200, body: { status, success, failure } };
  },
};

/**
 * Carries out the oldest batch that waits, and says whether there was one. It fires no webhook, and subscribes nobody who
 * has unsubscribed before.
 */
export function importNext(account: Account): boolean {
  const batch = account.imports.all().find(({ status }) => status === 'waiting');
  if (!batch) return false;
  const success: string[] = [];
  const failure: string[] = [];
  for (const contact of batch.contacts) {
    try {
      success.push(importOne(account, contact));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      failure.push(asText(contact.email));
    }
  }
  account.imports.put({ ...batch, contacts: [], status: 'completed', success, failure });
  return true;
}

function importOne(account: Account, given: Record<string, unknown>): string {
  const many = (name: string) =>
    Array.isArray(given[name]) ? (given[name] as Record<string, unknown>[]) : [];
  const input = {
    email: asText(given.email),
    // Snake case here, unlike everywhere else.
    ...('first_name' in given ? { firstName: asText(given.first_name) } : {}),
    ...('last_name' in given ? { lastName: asText(given.last_name) } : {}),
    ...('phone' in given ? { phone: asText(given.phone) } : {}),
    fieldValues: many('fields').map(({ id, value }) => ({ field: asText(id), value: asText(value) })),
  };
  const { contact } = saveContact(account, contactByEmail(account, input.email), input, 'import');
  for (const name of many('tags').map(asText)) {
    const [known] = account.tags.by('tag', tagKey({ tagType: 'contact', tag: name }));
    tagContact(account, contact, known ?? addTag(account, name), 'import');
  }
  const on = account.contactLists.by('contact', contact.id);
  for (const list of many('subscribe').map(({ listid }) => asText(listid)))
    if (account.lists.get(list) && !on.some((row) => row.list === list && row.status === '2'))
      setListStatus(account, contact, list, '1', 'import');
  for (const list of many('unsubscribe').map(({ listid }) => asText(listid)))
    if (account.lists.get(list)) setListStatus(account, contact, list, '2', 'import');
  return contact.id;
}

const notQueued = (message: string, failureReasons: unknown[]) =>
  new Refused({ status: 400, body: { Success: 0, message, failureReasons } });
