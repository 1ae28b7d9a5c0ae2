/** For answers whose JSON text is ready; Fastify would call a string `text/plain`. */
export const jsonType = 'application/json; charset=utf-8'
