// The console's behaviour. Every page works without it; this adds clocks that tick, dialogs,
// shortcuts, live parts, charts and the editor.
import htmx from "htmx.org/dist/htmx.esm.js";
import { startBoard } from "./parts/board.js";
import { startClocks } from "./parts/clocks.js";
import { startDialogs } from "./parts/dialogs.js";
import { startKeys } from "./parts/keys.js";
import { startLive } from "./parts/live.js";
import { startDrafts } from "./parts/drafts.js";
import { startFlashes } from "./parts/flashes.js";
import { startMenus } from "./parts/menus.js";
import { mount } from "./parts/mount.js";

startClocks();
startDialogs();
startKeys(htmx);
startFlashes();
startMenus();
startBoard();
startLive(htmx);
mount(document);
startDrafts();
htmx.onLoad((element) => mount(element));
