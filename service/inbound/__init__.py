"""What comes in from the channels: Slack's requests, and the pages behind the links of mails."""
