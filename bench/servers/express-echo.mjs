// What a team would write first: Express 5 with its own JSON body parser.
import express from 'express';

const app = express();
app.use(express.json());
app.post('/echo', (request, response) => response.json(request.body));
const server = app.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(port);
});
