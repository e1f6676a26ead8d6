import DataLoader from 'dataloader';
import type { Context } from '../../core/context.ts';
import type { IntegrationAutomation, IntegrationConnection } from '../../core/database.ts';
import { knownSlots, syncSettingsOf } from '../../integrations/syncSettings.ts';

/** An automation as the settings have it, with what is so when they say nothing, and how often it was started. */
export interface AutomationSlot {
  slot: string;
  active: boolean;
  via: 'AUTOMATION' | 'EVENT';
  automationId: string | null;
  trackedEvent: string | null;
  triggerEvent: string;
  tag: string | null;
  segmentId: string | null;
  delayMinutes: number;
  triggerCount: number;
  lastTriggeredAt: Date | null;
}

type Reading = Pick<Context, 'db' | 'workspace'>;

export async function automationsOf(
  ctx: Reading,
  { id, settings }: Pick<IntegrationConnection, 'id' | 'settings'>,
): Promise<AutomationSlot[]> {
  const { automations } = syncSettingsOf(settings);
  if (automations.length === 0) return [];
  const counts = await countsOf(ctx).load(id);
  return automations.map((one) => {
    const known = knownSlots[one.slot];
    const count = counts.find(({ slot }) => slot === one.slot);
    return {
      ...{ slot: one.slot, active: one.active, via: one.via, tag: one.tag ?? null },
      automationId: one.via === 'AUTOMATION' ? (one.automationId ?? null) : null,
      trackedEvent: one.via === 'EVENT' ? (one.event ?? known?.event ?? null) : null,
      triggerEvent: one.on ?? known?.on ?? '',
      segmentId: one.segmentId ?? null,
      delayMinutes: Math.round((one.delayHours || known?.delayHours || 0) * 60),
      triggerCount: count?.triggerCount ?? 0,
      lastTriggeredAt: count?.lastTriggeredAt ?? null,
    };
  });
}

const loaders = new WeakMap<object, DataLoader<string, IntegrationAutomation[]>>();

/** Read at once for all connections that one operation asks about. */
function countsOf(ctx: Reading): DataLoader<string, IntegrationAutomation[]> {
  const known = loaders.get(ctx);
  if (known) return known;
  const loader = new DataLoader<string, IntegrationAutomation[]>(async (ids) => {
    const rows = await ctx.db.integrationAutomation.findMany({
      where: { workspaceId: ctx.workspace.id, connectionId: { in: [...ids] } },
    });
    return ids.map((id) => rows.filter(({ connectionId }) => connectionId === id));
  });
  loaders.set(ctx, loader);
  return loader;
}
