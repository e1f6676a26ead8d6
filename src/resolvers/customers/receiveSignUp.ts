import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Customer, Tx } from '../../core/database.ts';
import { encodeId } from '../../core/ids.ts';
import { clearable, day, emailAddress, instant, parse, text } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { phoneOf } from '../../core/phone.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { createCustomer } from './createCustomer.ts';
import { updateCustomer } from './updateCustomer.ts';

const isoDay = z.preprocess(
  (value) => (typeof value === 'string' ? new Date(`${value}T00:00:00Z`) : value),
  day,
);
const isoTime = z.preprocess((value) => (typeof value === 'string' ? new Date(value) : value), instant);
const several = z.union([
  text(500),
  z
    .array(text(100))
    .max(50)
    .transform((all) => all.join(', ')),
]);
const handle = clearable(text(255));

/** A completed sign-up, as Badge Maker sends it. What it does not know it leaves out. */
export const SignUp = z.strictObject({
  /** The sender's own id of the sign-up. */
  id: text(255).optional(),
  completedAt: isoTime.optional(),
  person: z.strictObject({
    email: emailAddress,
    firstName: clearable(text(100)),
    lastName: clearable(text(100)),
    phone: clearable(text(60)),
    bornOn: clearable(isoDay),
    country: clearable(text(2)),
    language: clearable(text(35)),
  }),
  /** Whether they agreed to marketing, and where they did. Left out, nothing changes. */
  consent: z.strictObject({ marketing: z.boolean(), source: text(200).optional() }).optional(),
  event: z
    .strictObject({ name: text(200), id: text(255).optional(), startsAt: isoTime.optional() })
    .optional(),
  dietary: clearable(several),
  volunteering: clearable(several),
  social: z
    .strictObject({
      facebook: handle,
      instagram: handle,
      linkedin: handle,
      tiktok: handle,
      twitter: handle,
      youtube: handle,
    })
    .partial()
    .optional(),
  badge: z.strictObject({ name: clearable(text(200)), imageUrl: clearable(text(2_000)) }).optional(),
  emergencyContact: z.strictObject({ name: clearable(text(200)), phone: clearable(text(60)) }).optional(),
});

export interface SignUpMessage {
  messageId: string;
  content: unknown;
  /** Where it comes from. */
  connectionId: string;
  source: string;
}

/**
 * Takes in a completed sign-up: the customer with this e-mail address is made or completed, in one transaction for each.
 * What is known already and not in the message stays. The same message is taken once.
 */
export async function receiveSignUp(ctx: Context, message: SignUpMessage): Promise<Customer> {
  allow(ctx, 'customers.write');
  const signUp = parse(SignUp, message.content);
  const { person, consent } = signUp;
  const given = Object.fromEntries(
    Object.entries({
      ...person,
      // What somebody typed into a form is not worth losing a sign-up over.
      phone: person.phone && phoneOf(person.phone, ctx.workspace.country),
    }).filter(([, value]) => value !== null && value !== undefined),
  );
  const agreed = consent && {
    marketingConsent: consent.marketing,
    marketingConsentSource: consent.source ?? message.source,
  };
  const known = await ctx.db.customer.findFirst({
    where: { workspaceId: ctx.workspace.id, email: person.email, deletedAt: null },
  });
  const { connectionId, messageId } = message;
  const taken = await ctx.db.inboundMessage.findUnique({
    where: { workspaceId_connectionId_messageId: { workspaceId: ctx.workspace.id, connectionId, messageId } },
  });
  // A repeated message tells nothing new, and what was changed by hand since stays.
  if (taken && known) return known;
  const customer = known
    ? await updateCustomer(ctx, { id: encodeId('Customer', known.id), ...given, ...agreed })
    : await createCustomer(ctx, { ...given, ...agreed, source: message.source }).catch(async (error) => {
        // Another sign-up of theirs was quicker.
        const other = await ctx.db.customer.findFirst({
          where: { workspaceId: ctx.workspace.id, email: person.email, deletedAt: null },
        });
        if (!other) throw error;
        return updateCustomer(ctx, { id: encodeId('Customer', other.id), ...given, ...agreed });
      });
  await write(ctx, (tx) => noteProfile(ctx, tx, customer, signUp, { message, isNew: !known }));
  return customer;
}

async function noteProfile(
  ctx: Context,
  tx: Tx,
  { id: customerId }: Customer,
  signUp: z.output<typeof SignUp>,
  { message, isNew }: { message: SignUpMessage; isNew: boolean },
): Promise<void> {
  const { workspace, clock } = ctx;
  const fresh = await tx.inboundMessage.createMany({
    data: [
      {
        workspaceId: workspace.id,
        connectionId: message.connectionId,
        messageId: message.messageId,
        receivedAt: clock.now(),
      },
    ],
    skipDuplicates: true,
  });
  if (fresh.count === 0) return; // The same message again, at the same moment.
  const told = {
    dietary: signUp.dietary,
    volunteering: signUp.volunteering,
    ...signUp.social,
    badgeName: signUp.badge?.name,
    badgeImageUrl: signUp.badge?.imageUrl,
    emergencyContactName: signUp.emergencyContact?.name,
    emergencyContactPhone: signUp.emergencyContact?.phone,
    lastEventName: signUp.event?.name,
  };
  const data = Object.fromEntries(Object.entries(told).filter(([, value]) => value != null));
  await tx.customerProfile.upsert({
    where: { workspaceId_customerId: { workspaceId: workspace.id, customerId } },
    create: { workspaceId: workspace.id, customerId, cameFromSignUp: isNew, ...data, updatedAt: clock.now() },
    update: { ...data, updatedAt: clock.now() },
  });
  await record(ctx, tx, 'customer.profile_updated', {
    subjectId: customerId,
    customerId,
    data: { fields: Object.keys(data) },
    personal: { data },
  });
}
