import { z } from 'zod';
import { marketingShape, syncShape } from '../syncSettings.ts';

/** As people paste it: with a slash or /api/3 at the end. */
const apiUrl = z
  .string()
  .trim()
  .transform((text) => text.replace(/\/+$/, '').replace(/\/api\/3$/, ''))
  .pipe(
    z.url({
      protocol: /^https?$/,
      message: 'Must be the API URL of the account, such as https://name.api-us1.com.',
    }),
  );

export const settings = z
  .strictObject({
    apiUrl,
    apiKey: z.string().trim().min(8, 'Must be the key of the account, which is longer.').max(500),
    ...syncShape,
    ...marketingShape,
    /** The account's id for event tracking, and its key; both stand on the page "Event tracking" there. */
    trackingAccountId: z.string().trim().min(1).optional(),
    trackingKey: z.string().trim().min(1).optional(),
    trackingUrl: z.url().default('https://trackcmp.net/event'),
  })
  .superRefine((all, check) => {
    const tracks = all.enableEventTracking || all.automations.some(({ via }) => via === 'EVENT');
    for (const name of ['trackingAccountId', 'trackingKey'] as const)
      if (tracks && !all[name])
        check.addIssue({ code: 'custom', path: [name], message: 'Events cannot be tracked without it.' });
  });

export type Settings = z.output<typeof settings>;
