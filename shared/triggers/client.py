"""The client API's boundary: hands a request of the Functions host to the app that FastAPI made."""

import azure.functions as func


async def serve(
    app: func.AsgiMiddleware, request: func.HttpRequest, context: func.Context
) -> func.HttpResponse:
    """The app's answer. The bridge refuses a path that is no UTF-8 by raising: the client hears 400."""
    try:
        response: func.HttpResponse = await app.handle_async(request, context)
    except UnicodeDecodeError:
        return func.HttpResponse(status_code=400)
    return response
