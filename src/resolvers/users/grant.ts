import type { Context } from '../../core/context.ts';
import { Refused } from '../../core/errors.ts';
import { type Permission, permissionsOf, presets, type Role, type RowScope } from '../../core/permissions.ts';

/** What a user or key may do, and which customers it reaches. */
export interface Rights {
  permissions: ReadonlySet<Permission>;
  rowScope: RowScope;
}

/** The rights of a role, narrowed by scopes, with a row scope of its own if one is given. */
export function rightsOf(
  role: Role,
  { scopes = [], rowScope = null }: { scopes?: readonly string[]; rowScope?: RowScope | null },
): Rights {
  return { permissions: permissionsOf(role, scopes), rowScope: rowScope ?? presets[role].rowScope };
}

const widths: readonly RowScope[] = ['OWN', 'ASSIGNED', 'TEAM', 'ALL'];

/**
 * Nobody hands out rights that they do not hold themselves, nor changes who holds them: refuses a caller
 * with fewer permissions or a narrower reach.
 */
export function allowGrant(ctx: Pick<Context, 'viewer'>, rights: Rights): void {
  const { permissions, rowScope } = ctx.viewer;
  const lacking = [...rights.permissions].find((permission) => !permissions.has(permission));
  if (lacking) {
    throw new Refused(
      'FORBIDDEN',
      `You can only grant rights that you hold yourself; ${lacking} is not among them.`,
      { permission: lacking },
    );
  }
  if (widths.indexOf(rights.rowScope) > widths.indexOf(rowScope)) {
    throw new Refused(
      'FORBIDDEN',
      `You can only grant rights that you hold yourself; your row scope is ${rowScope}, not ${rights.rowScope}.`,
    );
  }
}
