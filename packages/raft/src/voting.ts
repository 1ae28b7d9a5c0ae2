import type { Member } from './member.ts'
import type { VoteRequest } from './types.ts'

/**
 * Answers a vote request that is not of a newer term (figure 2, "RequestVote RPC", receiver): none for an older term, one
 * vote a term, only for a log at least as up-to-date (section 5.4.1), none from a learner. Returns whether it was granted.
 */
export function answerVote(member: Member, request: VoteRequest): boolean {
  const { id, vote, voting, log, term } = member
  const free = request.term === term && (vote === null || vote === request.from)
  const granted = voting && free && log.isCoveredBy(request.lastIndex, request.lastTerm)
  if (granted && vote === null) member.voteFor(request.from)
  member.send({ type: 'voteResponse', from: id, to: request.from, term, granted, lastIndex: log.lastIndex })
  return granted
}

/**
 * Answers whether the sender would get this member's vote (thesis 9.6). Nothing changes here. A grant carries the term
 * asked for; a refusal carries the member's own term, so that a sender that is behind catches up. Refused if `settled`.
 */
export function answerPreVote(member: Member, request: VoteRequest, settled: boolean): void {
  const { id, voting, log } = member
  const newer = request.term > member.term
  const granted = voting && !settled && newer && log.isCoveredBy(request.lastIndex, request.lastTerm)
  const term = granted ? request.term : member.term
  member.send({ type: 'preVoteResponse', from: id, to: request.from, term, granted, lastIndex: log.lastIndex })
}
