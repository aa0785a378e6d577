// Where the page begins.
import { render } from 'preact';
import { startLanguage } from './i18n';
import { Chat } from './model/chat';
import { App } from './ui/app';
import { startTheme } from './ui/theme';

startLanguage();
startTheme();
const chat = new Chat();
render(<App chat={chat} />, document.getElementById('app')!);
