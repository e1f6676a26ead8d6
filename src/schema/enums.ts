import type {
  ActorKind,
  BookingStatus,
  BulkOperationKind,
  BulkOperationStatus,
  ConnectionHealth,
  ConnectionStatus,
  CustomerStatus,
  DeliveryKind,
  DeliveryStatus,
  EventOrigin,
  LeadGrade,
  LifecycleStage,
  PaymentMethod,
  PaymentStatus,
  ResourceKind,
  SegmentKind,
} from '../core/database.ts';
import {
  allPermissions,
  type Permission,
  permissions,
  type Role,
  type RowScope,
} from '../core/permissions.ts';
import { activityNames, activityType, catalogue, reportedEvents } from '../events/catalogue.ts';
import type { CampaignStatus, FieldType } from '../integrations/capabilities.ts';
import { builder } from './builder.ts';

/** An enum whose every value is described; the type makes sure that none of the database's is missing. */
function described<Value extends string>(name: string, description: string, values: Record<Value, string>) {
  return builder.enumType(name, {
    description,
    values: Object.fromEntries(
      Object.entries(values).map(([value, text]) => [value, { value, description: text as string }]),
    ) as {
      [V in Value]: { value: V; description: string };
    },
  });
}

export const BookingStatusEnum = described<BookingStatus>('BookingStatus', 'Where a booking stands.', {
  PENDING: 'Asked for, holds its slot, not yet confirmed.',
  CONFIRMED: 'Agreed, holds its slot.',
  CANCELLED: 'Called off; the slot is free again.',
  COMPLETED: 'Took place.',
  NO_SHOW: 'The customer did not come.',
});

export const BulkOperationKindEnum = described<BulkOperationKind>(
  'BulkOperationKind',
  'What a bulk operation does.',
  {
    BACKFILL: 'Sends every customer to a connected system.',
    DRIFT_CHECK: 'Compares every contact of a connected system with its customer.',
    IMPORT: 'Brings customers, bookings and payments in from a file.',
    RESCORE: 'Works lead scores out again from history, by the rules as they are now.',
  },
);

export const BulkOperationStatusEnum = described<BulkOperationStatus>(
  'BulkOperationStatus',
  'Where a bulk operation stands.',
  {
    QUEUED: 'Waits for a worker.',
    RUNNING: 'Under way.',
    COMPLETED: 'Went through to the end; single rows may have been refused.',
    CANCELLED: 'Called off; what was done until then stays.',
    FAILED: 'Could not go on, for the reason in `error`; what was done until then stays.',
  },
);

export const SegmentKindEnum = described<SegmentKind>(
  'SegmentKind',
  'How the members of a segment come about.',
  {
    DYNAMIC: 'Whoever meets its criteria, as soon as they do and as long as they do.',
    STATIC: 'Whoever was put in by hand: an audience.',
    SNAPSHOT: 'Whoever met its criteria when it was made or last calculated.',
  },
);

export const ConnectionStatusEnum = described<ConnectionStatus>(
  'ConnectionStatus',
  'Whether a connection works.',
  {
    ACTIVE: 'Changes go out and come in.',
    PAUSED: 'Put to rest: what there is to do waits.',
    DISCONNECTED: 'Taken apart: only its log is left.',
  },
);

export const ConnectionHealthEnum = described<ConnectionHealth>(
  'ConnectionHealth',
  'How the outside system has answered of late.',
  {
    OK: 'It answers.',
    FAILING: 'Its last answer was a failure that passes; what there is to do is tried again.',
    DOWN: 'It failed five times or more in a row: single attempts are made until one succeeds.',
    UNAUTHORIZED: 'It refuses the credentials: somebody must look at them.',
  },
);

export const DeliveryKindEnum = described<DeliveryKind>('DeliveryKind', 'What a delivery does.', {
  CONTACT: 'Sends a customer as they are now.',
  FETCH: 'Reads a contact that changed there, and takes over what is new.',
  AUTOMATION: 'Starts an automation there.',
  EVENT: 'Tells of an event there.',
  ERASE: 'Deletes the contact of an erased customer there.',
});

export const DeliveryStatusEnum = described<DeliveryStatus>('DeliveryStatus', 'Where a delivery stands.', {
  WAITING: 'To be done, or under way.',
  DONE: 'The outside system has it.',
  PARKED: 'Refused, or failed too often: waits for somebody to look at it and to retry.',
  DROPPED: 'Not wanted any more; its error says why.',
});

export const DriftWinnerEnum = described<'FRONTDESK' | 'REMOTE'>('DriftWinner', 'Which side is right.', {
  FRONTDESK: 'What is here is sent there; customers who are missing there are added.',
  REMOTE: 'What is there is taken over; contacts who are missing here are added.',
});

export const AutomationViaEnum = described<'AUTOMATION' | 'EVENT'>(
  'AutomationVia',
  'How an automation in an outside system is started.',
  {
    AUTOMATION: 'The contact is put into it.',
    EVENT: 'An event is tracked that it listens to.',
  },
);

export const RemoteFieldTypeEnum = described<Uppercase<FieldType>>(
  'RemoteFieldType',
  'What the values of a field in an outside system are.',
  {
    TEXT: 'Any text, of one line or several.',
    NUMBER: 'A number, with or without decimals.',
    BOOLEAN: 'Yes or no.',
    DATE: 'A day.',
    DATETIME: 'A moment.',
    CHOICE: 'One of several texts.',
    CHOICES: 'Any of several texts.',
  },
);

export const RemoteCampaignStatusEnum = described<CampaignStatus>(
  'RemoteCampaignStatus',
  'Where a campaign in an outside system stands.',
  {
    DRAFT: 'Being written.',
    SCHEDULED: 'To be sent later.',
    SENDING: 'On its way.',
    PAUSED: 'Held up, to go on later.',
    STOPPED: 'Given up on the way.',
    COMPLETED: 'Sent to everyone it is for.',
    OTHER: 'Something that only the system knows.',
  },
);

export const CustomerStatusEnum = described<CustomerStatus>(
  'CustomerStatus',
  'Whether the business works with a customer at present.',
  {
    ACTIVE: 'Works with this customer.',
    ARCHIVED: 'Put aside, kept with all history.',
    BLOCKED: 'May not book.',
  },
);

export const LifecycleStageEnum = described<LifecycleStage>(
  'LifecycleStage',
  'Where a customer stands in the relationship with the business.',
  {
    NEW: 'Known, has shown no interest yet.',
    LEAD: 'Has asked, subscribed or replied.',
    PROSPECT: 'Is worth a conversation about buying.',
    CUSTOMER: 'Has booked or bought.',
    LOYAL: 'Comes back by habit.',
    AT_RISK: 'Used to come, and stays away.',
    CHURNED: 'Is gone.',
  },
);

export const LeadGradeEnum = described<LeadGrade>('LeadGrade', 'How warm a lead is, from its score.', {
  COLD: 'A score up to 25.',
  WARM: 'A score from 26.',
  HOT: 'A score from 51.',
  QUALIFIED: 'A score from 76: ready for a personal offer.',
});

export const PaymentMethodEnum = described<PaymentMethod>('PaymentMethod', 'How a payment was made.', {
  CASH: 'Notes and coins.',
  CARD: 'A card, online or at a terminal.',
  BANK_TRANSFER: 'A transfer between bank accounts.',
  WALLET: 'PayPal, Apple Pay and other wallets.',
  VOUCHER: 'A gift card or voucher.',
  OTHER: 'None of the others.',
});

export const PaymentStatusEnum = described<PaymentStatus>('PaymentStatus', 'Where a payment stands.', {
  SUCCEEDED: 'The money is there.',
  PARTIALLY_REFUNDED: 'Part of the money has gone back.',
  REFUNDED: 'All of the money has gone back.',
});

export const ResourceKindEnum = described<ResourceKind>('ResourceKind', 'What a bookable thing is.', {
  ROOM: 'A room, a hall, a hotel room.',
  CHAIR: 'A chair, a bed, a table: a place for one.',
  EQUIPMENT: 'A machine, a vehicle, a set of tools.',
});

export const ActorKindEnum = described<ActorKind>('ActorKind', 'Who caused something.', {
  USER: 'A signed-in user.',
  API_KEY: 'A program with an API key.',
  CUSTOMER: 'The customer themselves.',
  SYSTEM: 'Frontdesk itself: a job, a rule, a workflow.',
});

export const EventOriginEnum = described<EventOrigin>('EventOrigin', 'How an event came about.', {
  LIVE: 'Somebody did it, when it happened.',
  IMPORT: 'History, brought in from a file.',
  SYNC: 'It came from a connected outside system.',
});

export const RoleEnum = described<Role>(
  'Role',
  'What a user or API key may do, as a preset of permissions.',
  {
    ADMIN: 'Everything, including users, keys and settings.',
    MANAGER: 'Everything about customers, bookings, services and staff of the whole business.',
    MARKETING: 'Reads every customer, changes and tags them; takes no bookings.',
    SALES: 'Works with the customers of their teams.',
    STAFF: 'Works with the customers assigned to them.',
    VIEWER: 'Reads everything, changes nothing.',
  },
);

export const RowScopeEnum = described<RowScope>(
  'RowScope',
  'Which customers, with all that belongs to them, a viewer reaches.',
  {
    ALL: 'Every customer of the workspace.',
    TEAM: "Customers of the viewer's teams, and those assigned to the viewer.",
    ASSIGNED: 'Customers whom the viewer owns or holds a booking with.',
    OWN: 'The customer themselves.',
  },
);

export const PermissionEnum = builder.enumType('Permission', {
  description:
    'One thing that a caller may do; a role is a preset of these, and an API key can be narrowed to some.',
  values: Object.fromEntries(
    allPermissions.map((name) => [permissionName(name), { value: name, description: permissions[name] }]),
  ) as Record<string, { value: Permission; description: string }>,
});

/** `apiKeys.read` -> `API_KEYS_READ` */
function permissionName(permission: Permission): string {
  return permission
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace('.', '_')
    .toUpperCase();
}

export const ActivityTypeEnum = builder.enumType('ActivityType', {
  description: 'What can happen on a customer timeline.',
  values: Object.fromEntries(
    activityNames.map((name) => [
      activityType(name),
      { value: name as string, description: catalogue[name].description },
    ]),
  ),
});

export const ReportedActivityEnum = builder.enumType('ReportedActivity', {
  description: 'What customers do outside of Frontdesk, and others tell of.',
  values: Object.fromEntries(
    reportedEvents.map((name) => [
      activityType(name),
      { value: name as string, description: catalogue[name].description },
    ]),
  ),
});

export const OrderDirectionEnum = described<'ASC' | 'DESC'>(
  'OrderDirection',
  'Which end of a list comes first.',
  {
    ASC: 'Smallest, oldest or first in the alphabet first.',
    DESC: 'Largest, newest or last in the alphabet first.',
  },
);
