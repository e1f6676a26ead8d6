import { GraphQLError } from 'graphql';
import { DateResolver, DateTimeResolver, JSONResolver } from 'graphql-scalars';
import { builder } from './builder.ts';

builder.addScalarType('DateTime', DateTimeResolver, {
  description: 'An instant in UTC, as RFC 3339 writes it: 2026-11-21T09:30:00.000Z. Milliseconds are kept.',
});
builder.addScalarType('Date', DateResolver, { description: 'A day without time or zone: 2026-11-21.' });
builder.addScalarType('JSON', JSONResolver, { description: 'Any JSON value.' });

builder.scalarType('Decimal', {
  description: 'A decimal number as a string, so that no digit is lost: "12.50".',
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value)))
      return String(value);
    throw new GraphQLError('A Decimal is a string such as "12.50".');
  },
});

builder.scalarType('CurrencyCode', {
  description: 'An ISO 4217 currency code: EUR, JPY.',
  serialize: (value) => value,
  parseValue: textOnly('CurrencyCode', 'EUR'),
});

builder.scalarType('TimeZone', {
  description: 'An IANA time zone: Europe/Berlin.',
  serialize: (value) => value,
  parseValue: textOnly('TimeZone', 'Europe/Berlin'),
});

/** Only the form is checked here; the verb says what is wrong with the value, as a typed error with its path. */
function textOnly(name: string, example: string) {
  return (value: unknown): string => {
    if (typeof value === 'string') return value;
    throw new GraphQLError(`A ${name} is a string such as "${example}".`);
  };
}
