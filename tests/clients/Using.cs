// What a CRM does with a client that Kiota generates from openapi.json: compiled with it on GitHub (generators.sh).
// What stands between ">> ... <<" and ">> end <<" is shown in docs/api.md, where a test compares it.
// >> types <<
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Kiota.Abstractions.Authentication;
using Microsoft.Kiota.Http.HttpClientLibrary;
using Postledger;
using Postledger.Models;
// >> end <<

namespace Using;

// >> token <<
/// <summary>The token of a CRM's back end; Kiota asks before each request, so keep it for its hour.</summary>
public sealed class ServiceToken(HttpClient http, Uri address, Dictionary<string, string> form) : IAccessTokenProvider
{
    private string token = "";
    private DateTimeOffset until;

    public AllowedHostsValidator AllowedHostsValidator { get; } = new();

    public async Task<string> GetAuthorizationTokenAsync(
        Uri uri, Dictionary<string, object>? context = null, CancellationToken cancel = default)
    {
        if (DateTimeOffset.UtcNow < until) return token;
        // form: grant_type=client_credentials, client_id, client_secret, scope=api://POSTLEDGER_CLIENT_ID/.default
        using var answer = await http.PostAsync(address, new FormUrlEncodedContent(form), cancel);
        answer.EnsureSuccessStatusCode();
        var given = await answer.Content.ReadFromJsonAsync<JsonElement>(cancel);
        until = DateTimeOffset.UtcNow.AddSeconds(given.GetProperty("expires_in").GetInt32() - 300);
        return token = given.GetProperty("access_token").GetString()!;
    }
}
// >> end <<

public static class Crm
{
    // >> client <<
    /// <summary>A client that acts for one organisation.</summary>
    public static PostledgerClient ClientFor(string api, string organisation, IAccessTokenProvider tokens)
    {
        var http = new HttpClient();
        http.DefaultRequestHeaders.Add("Postledger-Organisation", organisation);
        var adapter = new HttpClientRequestAdapter(new BaseBearerTokenAuthenticationProvider(tokens), httpClient: http);
        adapter.BaseUrl = api;
        return new PostledgerClient(adapter);
    }
    // >> end <<

    // >> error <<
    /// <summary>The sentence of a refusal, or null where there was none.</summary>
    public static async Task<string?> Refusal(Func<Task> call)
    {
        try
        {
            await call();
            return null;
        }
        catch (Problem problem)
        {
            return problem.Detail;
        }
    }
    // >> end <<

    // >> pages <<
    /// <summary>Every entry of a contact's timeline, newest first, page by page.</summary>
    public static async IAsyncEnumerable<EntryModel> EntriesOf(PostledgerClient client, string contact)
    {
        string? cursor = null;
        do
        {
            var page = await client.Timelines["contact"][contact].GetAsync(request =>
            {
                request.QueryParameters.Limit = 200;
                request.QueryParameters.Cursor = cursor;
            });
            foreach (var entry in page?.Entries ?? []) yield return entry;
            cursor = page?.Cursor;
        } while (cursor is not null);
    }
    // >> end <<

    // >> update <<
    /// <summary>Changes one setting of a mailbox; what is not named stays as it is.</summary>
    public static Task<MailboxModel?> PollEvery(PostledgerClient client, string address, int minutes) =>
        client.Mailboxes[address].PutAsync(new MailboxFields { PollMinutes = minutes });
    // >> end <<

    // >> stream <<
    /// <summary>The audit, line by line: one JSON object each, as long as it may be.</summary>
    public static async IAsyncEnumerable<JsonElement> Audit(PostledgerClient client)
    {
        using var lines = new StreamReader(await client.Audit.Export.GetAsync() ?? Stream.Null);
        while (await lines.ReadLineAsync() is { } line) yield return JsonSerializer.Deserialize<JsonElement>(line);
    }
    // >> end <<
}
