/** A reason to stop that whoever makes a release can do something about: its message is all they see. */
export class ReleaseFailure extends Error {}
