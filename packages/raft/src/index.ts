export { Raft } from './raft.ts'
export type * from './types.ts'
export { unknownVote } from './types.ts'
