import { getBulkOperationErrors } from './getBulkOperationErrors.ts';
import { getSegmentMembers } from './getSegmentMembers.ts';
import { createImportUpload, findImportUpload, patchImportUpload } from './imports.ts';
import type { RestRoute } from './rest.ts';

/** The REST interface: each route calls a verb, and shapes its answer. */
export const restRoutes: readonly RestRoute[] = [
  { method: 'POST', path: '/imports', run: createImportUpload },
  { method: 'HEAD', path: '/imports/:id', run: findImportUpload },
  { method: 'GET', path: '/imports/:id', run: findImportUpload },
  { method: 'PATCH', path: '/imports/:id', run: patchImportUpload },
  { method: 'GET', path: '/bulk-operations/:id/errors.csv', run: getBulkOperationErrors },
  { method: 'GET', path: '/segments/:id/members.csv', run: getSegmentMembers },
];
