import type { Account, FieldValue } from './account.ts';
import { shownContact } from './contact.ts';
import { saveFieldValue, shownFieldValue, storedValue } from './fieldValue.ts';
import { badRequest, forbidden, noResult } from './refuse.ts';
import { type ApiRequest, asText, bodyOf, page, type Routes } from './routes.ts';

export const fieldValues: Routes = {
  'GET /fieldValues': (account, { query }) => {
    const field = query.get('filters[fieldid]');
    const value = query.get('filters[val]');
    const some = account.fieldValues
      .all()
      .filter((row) => (!field || row.field === field) && (value === null || row.value === value));
    return page('fieldValues', some, query, (row) => shownFieldValue(account, row));
  },
  // 200 although it creates, and it writes over the value that is there.
  'POST /fieldValues': (account, request) => answered(account, request),
  'GET /fieldValues/:id': (account, { params }) => ({
    status: 200,
    body: { fieldValue: shownFieldValue(account, known(account, params.id!)) },
  }),
  'PUT /fieldValues/:id': (account, request) =>
    answered(account, request, known(account, request.params.id!)),
  'DELETE /fieldValues/:id': (account, { params }) => {
    if (!account.fieldValues.get(params.id!)) throw forbidden();
    account.fieldValues.remove(params.id!);
    return { status: 200, body: {} };
  },
};

function answered(account: Account, request: ApiRequest, old?: FieldValue) {
  const body = bodyOf(request, 'fieldValue');
  const contact = account.contacts.get(old?.contact ?? asText(body.contact));
  const field = account.fields.get(old?.field ?? asText(body.field));
  if (!contact || !field) throw forbidden();
  const value = storedValue(field, asText(body.value));
  if (value === undefined) throw badRequest();
  const row = saveFieldValue(account, contact.id, field.id, value);
  const touched = account.contacts.put({ ...contact, udate: row.udate });
  account.webhooks.fire('update', touched, 'api');
  return {
    status: 200,
    body: { contacts: [shownContact(account, touched)], fieldValue: shownFieldValue(account, row) },
  };
}

function known(account: Account, id: string): FieldValue {
  const row = account.fieldValues.get(id);
  if (!row) throw noResult('FieldValue', id);
  return row;
}
