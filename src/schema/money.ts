import { decimalOf, type Money } from '../core/money.ts';
import { builder } from './builder.ts';

export const MoneyObject = builder.objectRef<Money>('Money').implement({
  description: 'An amount in a currency.',
  fields: (t) => ({
    amount: t.field({
      type: 'Decimal',
      description: 'With as many decimal places as the currency has: "12.50" EUR, "1250" JPY.',
      resolve: ({ minor, currency }) => decimalOf(minor, currency),
    }),
    currency: t.field({
      type: 'CurrencyCode',
      description: 'The ISO 4217 code.',
      resolve: ({ currency }) => currency,
    }),
  }),
});

export const MoneyInput = builder.inputType('MoneyInput', {
  description: 'An amount in a currency.',
  fields: (t) => ({
    amount: t.field({
      type: 'Decimal',
      required: true,
      description: 'Zero or more, with at most as many decimal places as the currency has.',
    }),
    currency: t.field({ type: 'CurrencyCode', required: true, description: 'The ISO 4217 code.' }),
  }),
});
