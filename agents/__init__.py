"""What runs by itself: assessor, watcher, escalator, settler, sentinel, scheduler."""
