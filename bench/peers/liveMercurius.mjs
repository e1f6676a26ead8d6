// Subscriptions of Mercurius, over mqemitter-redis.
import Fastify from 'fastify';
import mercurius from 'mercurius';
import mqemitterRedis from 'mqemitter-redis';
import { answerPublishing, typeDefs } from './liveSchema.mjs';

const { hostname: host, port } = new URL(process.env.REDIS_URL);
const app = Fastify();
// A connection that has subscribed may ask nothing else, not even whether the server is ready.
const emitter = mqemitterRedis({ host, port: Number(port), enableReadyCheck: false });
app.register(mercurius, {
  schema: typeDefs,
  resolvers: {
    Subscription: {
      activityAdded: {
        subscribe: async (_root, _args, { pubsub }) => pubsub.subscribe('activity'),
      },
    },
  },
  subscription: { emitter },
  jit: 1,
});
const publish = (activityAdded) =>
  app.graphql.pubsub.publish({ topic: 'activity', payload: { activityAdded } });
app.post('/publish', (request, reply) => {
  reply.hijack();
  answerPublishing(request.raw, reply.raw, publish);
});
await app.listen({ port: 0, host: '127.0.0.1' });
process.send({ port: app.server.address().port });
process.on('SIGTERM', () => process.exit());
