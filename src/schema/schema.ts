import './scalars.ts';
import './failures.ts';
import './activity.ts';
import './apiKey.ts';
import './booking.ts';
import './bulkOperation.ts';
import './classSession.ts';
import './customer.ts';
import './live.ts';
import './node.ts';
import './payment.ts';
import './resource.ts';
import './service.ts';
import './staffMember.ts';
import './tag.ts';
import './team.ts';
import './user.ts';
import './viewer.ts';
import './workspace.ts';
import { builder } from './builder.ts';

/** The whole API. Each file above adds its part to the builder. */
export const schema = builder.toSchema();
