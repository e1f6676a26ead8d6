import type { Context } from '../../core/context.ts';

/** The bytes of an upload, in order; as many as are here. */
export async function* readUpload(
  { db, workspace }: Pick<Context, 'db' | 'workspace'>,
  uploadId: string,
): AsyncGenerator<Uint8Array> {
  for (let start = -1n; ; ) {
    const chunk = await db.uploadChunk.findFirst({
      where: { workspaceId: workspace.id, uploadId, start: { gt: start } },
      orderBy: { start: 'asc' },
    });
    if (!chunk) return;
    yield chunk.bytes;
    start = chunk.start;
  }
}
