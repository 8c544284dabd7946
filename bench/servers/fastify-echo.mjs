// A framework that is known for its speed, with its own JSON body parser.
import { fastify } from 'fastify';

const app = fastify();
app.post('/echo', (request, reply) => {
  reply.send(request.body);
});
const url = await app.listen({ port: 0, host: '127.0.0.1' });
console.log(new URL(url).port);
