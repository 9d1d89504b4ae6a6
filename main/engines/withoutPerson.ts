/** @file Node. Takes a person's home folder and name out of text that is made to be pasted somewhere. */
import { homedir, userInfo } from 'node:os';

/** Replaces the home folder by ~ and the user's name inside paths by <user>. */
export function withoutPerson(text: string): string {
  const home = homedir();
  const hidden = home.length > 1 ? text.replaceAll(home, '~') : text;
  return hidden.replaceAll(new RegExp(`([/\\\\])${escaped(userName())}(?=[/\\\\])`, 'g'), '$1<user>');
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return '<nobody>'; // a user id without a name, as in containers
  }
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
