"""What stands on the topics that others read: its contents as structs, its JSON Schema, its AsyncAPI document."""
