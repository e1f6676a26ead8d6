import type { Account, Field, FieldOption, FieldRel } from './account.ts';
import { forbidden, invalid, noResult, Refused } from './refuse.ts';
import { asText, bodyOf, json, links, page, type Routes } from './routes.ts';
import { wireDate } from './wireDate.ts';

const types = 'text textarea date datetime dropdown listbox radio checkbox hidden'.split(' ');

export const fields: Routes = {
  // 20 of them unless asked for more: who reads one page and creates what is missing meets a 422.
  'GET /fields': (account, { query }) => {
    const perstag = query.get('filters[perstag]');
    const some = account.fields.all().filter((field) => !perstag || field.perstag === perstag);
    const of = ({ field }: { field: string }) => some.some(({ id }) => id === field);
    return page('fields', some, query, (field) => shownField(account, field), {
      fieldOptions: account.fieldOptions.all().filter(of).map(shownOption),
      fieldRels: account.fieldRels.all().filter(of).map(shownRel),
    });
  },
  'POST /fields': (account, request) => {
    const body = bodyOf(request, 'field');
    const title = asText(body.title);
    if (!title) throw invalid('field_missing', 'The title is required', 'title');
    if (!types.includes(asText(body.type))) throw invalid('field_invalid', 'The type is not valid', 'type');
    const field = addField(account, { ...body, title, type: asText(body.type) });
    return { status: 201, body: { fieldOptions: [], fieldRels: [], field: shownField(account, field) } };
  },
  'GET /fields/:id': (account, { params }) => {
    const field = known(account, params.id!);
    const of = (row: { field: string }) => row.field === field.id;
    return {
      status: 200,
      body: {
        fieldOptions: account.fieldOptions.all().filter(of).map(shownOption),
        fieldRels: account.fieldRels.all().filter(of).map(shownRel),
        field: shownField(account, field),
      },
    };
  },
  'PUT /fields/:id': (account, request) => {
    const old = known(account, request.params.id!);
    const { title = old.title, descript = old.descript } = bodyOf(request, 'field');
    const changed = { title: asText(title), descript: asText(descript), udate: Date.now() };
    const field = account.fields.put({ ...old, ...changed });
    return { status: 200, body: { field: shownField(account, field) } };
  },
  'DELETE /fields/:id': (account, { params }) => {
    const { id } = known(account, params.id!);
    for (const table of [account.fieldOptions, account.fieldRels, account.fieldValues])
      for (const row of table.all()) if (row.field === id) table.remove(row.id);
    account.fields.remove(id);
    return { status: 200, body: {} };
  },
  // A field shows on a list only when it is related to it; 0 is every list. It answers with numbers.
  'POST /fieldRels': (account, request) => {
    const { field, relid } = bodyOf(request, 'fieldRel');
    if (!account.fields.get(asText(field))) throw forbidden();
    const row = account.fieldRels.add({ field: asText(field), relid: asText(relid), cdate: Date.now() });
    const shown = {
      relid: Number(relid),
      field: Number(field),
      cdate: wireDate(row.cdate),
      links: [],
      id: row.id,
    };
    return { status: 201, body: { fieldRel: shown } };
  },
  'POST /fieldOption/bulk': (account, request) => {
    const options = json(request).fieldOptions;
    if (!Array.isArray(options)) {
      const errors = 'Bulk operation failed. Request must contain an array of fieldOption objects.';
      throw new Refused({ status: 422, body: { errors } }); // `errors` is a string here
    }
    const rows = (options as Record<string, unknown>[]).map((option) =>
      account.fieldOptions.add({
        field: asText(option.field),
        value: asText(option.value),
        label: asText(option.label ?? option.value),
        orderid: asText(option.orderid),
        isdefault: asText(option.isdefault ?? '0'),
        cdate: Date.now(),
      }),
    );
    return { status: 201, body: { fieldOptions: rows.map(shownOption) } };
  },
};

/** Throws a refusal when there is one of this title, whatever its case. */
export function addField(
  account: Account,
  field: Record<string, unknown> & { title: string; type: string },
): Field {
  const { title, type } = field;
  if (account.fields.all().some((one) => one.title.toLowerCase() === title.toLowerCase()))
    throw new Refused({
      status: 422,
      body: {
        errors: [
          {
            title: 'There is already a field with this title',
            detail: `There is already a field named '${title}' -- choose another name`,
            code: 'duplicate',
          },
        ],
      },
    });
  const now = Date.now();
  return account.fields.add({
    title,
    type,
    perstag: asText(field.perstag ?? title)
      .toUpperCase()
      .replace(/\W+/g, '_'),
    descript: asText(field.descript),
    defval: asText(field.defval),
    isrequired: asText(field.isrequired ?? '0'),
    visible: asText(field.visible ?? '1'),
    ordernum: asText(field.ordernum ?? '0'),
    cdate: now,
    udate: now,
  });
}

function known(account: Account, id: string): Field {
  const field = account.fields.get(id);
  if (!field) throw noResult('Field', id);
  return field;
}

function shownField(account: Account, { id, cdate, udate, ...field }: Field) {
  const ids = (rows: { id: string; field: string }[]) =>
    rows.filter((row) => row.field === id).map((row) => row.id);
  return {
    ...field,
    show_in_list: '0',
    rows: '0',
    cols: '0',
    service: '',
    cdate: wireDate(cdate),
    udate: wireDate(udate),
    options: ids(account.fieldOptions.all()),
    relations: ids(account.fieldRels.all()),
    links: links(account, 'fields', id, ['options', 'relations']),
    id,
  };
}

const shownOption = ({ id, cdate, ...option }: FieldOption) => ({
  ...option,
  cdate: wireDate(cdate),
  links: [],
  id,
});
const shownRel = ({ id, cdate, ...rel }: FieldRel) => ({
  ...rel,
  dorder: '0',
  cdate: wireDate(cdate),
  links: [],
  id,
});
